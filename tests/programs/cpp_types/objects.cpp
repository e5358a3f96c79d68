/* Methods, bases, operators and templates. */
#include "types.h"

namespace shop {

pair pair::operator+(const pair &other) const
{
    pair sum{static_cast<std::int16_t>(a + other.a), static_cast<std::int16_t>(b + other.b)};
    touch(this, &other, &sum); // point: sum
    return sum;
}

POINT std::int16_t pair::operator[](int at) const
{
    touch(this, at);
    return at ? b : a;
}

POINT bool pair::operator==(const pair &other) const
{
    touch(this, &other);
    return a == other.a && b == other.b;
}

POINT pair::operator bool() const
{
    touch(this);
    return a != 0;
}

int article::discounted(int percent) const
{
    int price_now = static_cast<int>(price) * (100 - percent);
    touch(this, &price_now, percent); // point: discounted
    return price_now;
}

int article::count(int plus)
{
    touch(&made, plus); // point: count
    return made + plus;
}

double square::area(double factor) const
{
    touch(this, factor); // point: area
    return side * side * factor;
}

static POINT void inherited(gift *wrapped, article &thing, diamond *gem, const named *as_base)
{
    touch(wrapped, &thing, gem, as_base); // point: inherited
}

double depth::inner::length(const point &p)
{
    touch(&p, &origin); // point: length
    return p.x + p.y;
}

void ask_objects()
{
    const shape &tile = kept.tile;
    static int result;
    result += (kept.small + kept.small).a + kept.small[1] + (kept.small == pair{1, 2}) + static_cast<bool>(kept.small);
    result += kept.thing.discounted(25) + article::count(3) + static_cast<int>(tile.area(2.0));
    inherited(&kept.wrapped, kept.thing, &kept.gem, &kept.wrapped);
    result += static_cast<int>(depth::inner::length(depth::inner::origin));
    result += box<int>{11, 1}.get(2) + static_cast<int>(box<double>{1.5, 2}.get(3));
    result += biggest(3, 4) + static_cast<int>(biggest<double, 8>(2.5, 1.5));
}

} // namespace shop
