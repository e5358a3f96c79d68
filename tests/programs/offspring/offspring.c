/* A program that makes processes while it is asked: by fork, by vfork, and one that becomes another.
 *
 * It calls step() all the time. Commands on standard input, one line each, one line of answer:
 *   fork N   N children that each call step() and end; answers how many did not end well
 *   vfork N  the same with vfork: they call step() in this very memory, then execute /bin/true
 *   exec     becomes itself anew, and prints "ready" again
 *   exit N   ends with that status
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static uint64_t steps;

__attribute__((noinline)) uint64_t step(uint64_t *counter)
{
    return ++*counter;
}

static int ended_badly(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static int fork_and_step(void)
{
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 1000; i++)
            step(&steps);
        _exit(0);
    }
    return child < 0 || ended_badly(child);
}

static int vfork_and_step(void)
{
    static char *const arguments[] = {"true", NULL};
    pid_t child = vfork();
    if (child == 0) {
        for (int i = 0; i < 1000; i++)
            step(&steps);
        execve("/bin/true", arguments, environ);
        _exit(1);
    }
    return child < 0 || ended_badly(child);
}

static void make(int one(void), int count)
{
    int bad = 0;
    for (int i = 0; i < count; i++)
        bad += one();
    printf("%d\n", bad);
}

static void obey(const char *line, char **arguments)
{
    if (!strncmp(line, "fork ", 5))
        make(fork_and_step, atoi(line + 5));
    else if (!strncmp(line, "vfork ", 6))
        make(vfork_and_step, atoi(line + 6));
    else if (!strcmp(line, "exec\n"))
        execv("/proc/self/exe", arguments);
    else if (!strncmp(line, "exit ", 5))
        exit(atoi(line + 5));
    else
        printf("what?\n");
}

int main(int count, char **arguments)
{
    (void)count;
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0);
    printf("ready\n");
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char line[64];
    for (;;) {
        for (int i = 0; i < 10000; i++)
            step(&steps);
        if (poll(&input, 1, 0) <= 0)
            continue;
        if (!fgets(line, sizeof line, stdin))
            return 0;
        obey(line, arguments);
    }
}
