#include "types.h"

extern "C" void touch(const void *, ...) {}

namespace shop {

keep kept;
int shelf = -5;
thread_local int of_thread = 77;
int article::made = 2;

namespace depth::inner {
point origin{0.5, -0.5};
}

article::article(const char *called, int number, double cost) : named{called, number}, priced{cost} {}
gift::gift(const char *called, int number) : article(called, number, 1.25) {}
shape::~shape() = default;
square::square(double length) : side(length)
{
    corners = 4;
}

} // namespace shop
