#ifndef TYPES_H
#define TYPES_H

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/*
 * Needs all of what it is given: what is passed to it is there until then, in optimised code too. It
 * is in another file, and so the compiler cannot know that it does nothing.
 */
extern "C" void touch(const void *first, ...);

#define POINT __attribute__((noinline, noclone))

namespace shop {

enum class colour : std::uint8_t { red = 1, green, blue };
enum class below : long { least = INT64_MIN, none = 0 };
enum plain { FIRST, SECOND = 5 };

struct pair {
    std::int16_t a, b;
    POINT pair operator+(const pair &other) const;
    std::int16_t operator[](int at) const;
    bool operator==(const pair &other) const;
    explicit operator bool() const;
};

namespace depth::inner {
struct point {
    double x, y;
};
extern point origin;
POINT double length(const point &p);
} // namespace depth::inner

/* Its name is a field of one base, and of another one: the nearest counts. */
struct named {
    const char *name;
    int id;
};
struct priced {
    double price;
};
struct article : named, priced {
    enum kind { FOOD, TOOL };
    kind sort = TOOL;
    static int made;
    static constexpr int LIMIT = 99;
    article(const char *called, int number, double cost);
    POINT int discounted(int percent) const;
    POINT static int count(int plus);
};
struct gift : article {
    colour ribbon = colour::blue;
    int id = 7; /* hides the one of its base */
    gift(const char *called, int number);
};

class shape {
public:
    virtual ~shape();
    virtual double area(double factor) const = 0;

protected:
    int corners = 0;
};
class square : public shape {
public:
    explicit square(double length);
    POINT double area(double factor) const override;

private:
    double side;
};

/* One base, however often it is inherited: where it lies is known at run time only. */
struct base {
    int shared = 41;
    virtual ~base() = default;
};
struct left : virtual base {
    int on_the_left = 42;
};
struct right : virtual base {
    int on_the_right = 43;
};
struct diamond : left, right {
    int own = 44;
};

template <typename T> struct box {
    T value;
    int count;
    static int opened;
    POINT T get(int times) const;
};
template <typename T> int box<T>::opened = 3;
template <typename T> T box<T>::get(int times) const
{
    touch(this, times, opened); // point: box
    return value;
}

template <typename T, int N = 4> POINT T biggest(T first, T second)
{
    touch(&first, &second, N);
    return first < second ? second : first;
}

/* What is passed to the points, so that it is the same in each round. */
struct keep {
    pair small{1, -2};
    article thing{"hammer", 12, 9.5};
    gift wrapped{"book", 13};
    square tile{1.5};
    diamond gem;
    std::string text = "short";
    std::string longer = std::string(40, 'x') + "end";
    std::vector<int> numbers{1, 2, 3};
    std::unique_ptr<pair> owned = std::make_unique<pair>(pair{5, 6});
    std::array<int, 3> fixed{7, 8, 9};
};

extern keep kept;
extern int shelf;
extern thread_local int of_thread;

/* numbers.cpp */
void ask_numbers();
/* objects.cpp */
void ask_objects();
/* functions.cpp */
void ask_functions();

} // namespace shop

#endif
