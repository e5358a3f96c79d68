/*
 * One of everything that C++ adds to C, so that two ways of asking can be held against each other.
 * Each value stays the same for as long as it runs, which is until its standard input closes.
 *
 * A line that ends in "point: NAME" is one to ask at: the locals before it have their values there.
 */
#include <chrono>
#include <cstdio>
#include <thread>
#include <unistd.h>

#include "types.h"

int main()
{
    char ignored[256];
    std::thread([] {
        for (;;) {
            shop::ask_numbers();
            shop::ask_objects();
            shop::ask_functions();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }).detach();
    std::puts("ready");
    std::fflush(stdout);
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0)
        ;
    _exit(0);
}
