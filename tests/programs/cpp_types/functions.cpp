/* Functions of one name, functions without a name, and names that only this file sees. */
#include "types.h"

namespace {

int hidden = 21;

POINT int unseen(int depth)
{
    touch(&hidden, depth); // point: unseen
    return hidden + depth;
}

} // namespace

static POINT int only_here(int n)
{
    touch(nullptr, n, shop::shelf); // point: only here
    return n;
}

extern "C" POINT int as_in_c(int n)
{
    touch(nullptr, n);
    return n;
}

namespace shop {

static POINT int overloaded(int number)
{
    touch(nullptr, number, shelf);
    return number + 1;
}

static POINT int overloaded(double real, unsigned int count)
{
    touch(nullptr, real, count);
    return static_cast<int>(real) + static_cast<int>(count);
}

static POINT int overloaded(const pair &both)
{
    touch(&both);
    return both.a;
}

/* Inlined at each of its five calls. */
static inline __attribute__((always_inline)) int twice(int x)
{
    int doubled = x * 2;
    touch(&shelf, doubled); // point: inlined
    return doubled + shelf;
}

static POINT int inlined_in_five_places(int n)
{
    int sum = twice(n) + twice(n + 1);
    for (int i = 0; i < 2; i++)
        sum += twice(i);
    return sum + twice(sum) + twice(-n);
}

static POINT int lambdas(int base)
{
    int changed = 1, constant = 17;
    auto by_reference = [&changed, constant](int by) __attribute__((noinline)) {
        changed = constant + by;
        touch(&changed, constant, by); // point: lambda
        return changed;
    };
    auto by_value = [=](int by) __attribute__((noinline)) {
        touch(nullptr, base, constant, by); // point: copying lambda
        return base + by;
    };
    return by_reference(5) + by_value(6);
}

static POINT int locals(int n)
{
    static int counted = 1717;
    of_thread = 78;
    std::string text = "local";
    int array[3] = {n, -n, 0};
    if (n > 0) {
        int n = 1003; /* another, which hides the parameter */
        touch(nullptr, n); // point: shadowed
    }
    touch(&counted, &text, array, &of_thread, n); // point: locals
    return array[0] + counted;
}

static POINT int throws(int n)
{
    int held[3] = {n, n + 1, n + 2};
    try {
        /* More than registers hold: some are pushed, and what unwinds is told how much. */
        touch(held, 2, 3, 4, 5, 6, 7, 8, n); // point: pushed
        if (n > 0)
            throw article("thrown", n, 0.25);
    } catch (const article &caught) {
        touch(&caught, held, n); // point: caught
        return caught.id;
    }
    return 0;
}

void ask_functions()
{
    static int result;
    result += unseen(4) + only_here(5) + as_in_c(6) + overloaded(7) + overloaded(8.5, 9u) + overloaded(kept.small);
    result += inlined_in_five_places(10) + lambdas(3) + locals(3) + throws(2);
}

} // namespace shop
