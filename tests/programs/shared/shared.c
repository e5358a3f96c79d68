/* A program whose step() lies in text that is mapped as shared: not even a tracer may write there.
 *
 * It calls step() until its standard input closes.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

extern char __executable_start;

__attribute__((noinline, section("shared_text"), aligned(PAGE))) uint64_t step(uint64_t *counter)
{
    return ++*counter;
}

static int share(char *text)
{
    int file = open("/proc/self/exe", O_RDONLY);
    off_t offset = text - &__executable_start; /* the linker lays them out alike in file and memory */
    return mmap(text, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, file, offset) == text;
}

int main(void)
{
    static uint64_t steps;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (!share((char *)((uintptr_t)step & ~(uintptr_t)(PAGE - 1))))
        return 2;
    puts("ready");
    fflush(stdout);
    while (poll(&input, 1, 0) == 0)
        for (int i = 0; i < 10000; i++)
            step(&steps);
    return 0;
}
