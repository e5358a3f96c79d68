/* A program of many threads that call step() all the time, while its first makes processes.
 *
 * crowd THREADS [signals]: with "signals" each thread sends itself SIGUSR1 after a thousand calls.
 * Commands on standard input, one line each, one line of answer:
 *   fork N     N children by fork, made while the threads go on, that each call step(); how many did not end well
 *   clone S N  the same by clone(2), with S as the signal that tells of their end
 *   share N    the same by clone(2) with CLONE_VM, and a stack of their own
 *   kill N     N children by fork, killed at once
 *   visitor    one thread more, which calls visit() all the time
 *   leave      that one ends
 *   report     calls of step() by all threads, and signals that have arrived, since the last report
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Thread_local uint64_t mine;
static atomic_ulong steps, signals;
static int to_oneself;

__attribute__((noinline)) uint64_t step(uint64_t *counter)
{
    return ++*counter;
}

static void arrived(int number)
{
    (void)number;
    signals++;
}

static void *run(void *nothing)
{
    for (;;) {
        for (int i = 0; i < 1000; i++)
            step(&mine);
        steps += 1000;
        if (to_oneself)
            raise(SIGUSR1);
    }
    return nothing;
}

static int child(void *nothing)
{
    (void)nothing;
    for (int i = 0; i < 1000; i++) {
        step(&mine);
        if (i % 100 == 0)
            usleep(100); /* looks go on meanwhile */
    }
    syscall(SYS_exit, 0);
    return 0;
}

static int ended_badly(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, __WALL) < 0)
        if (errno != EINTR)
            return 1;
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static int by_fork(int how)
{
    (void)how;
    pid_t pid = fork();
    if (pid == 0)
        child(NULL);
    return pid < 0 || ended_badly(pid);
}

static int by_clone(int flags)
{
    static char stack[1 << 16];
    pid_t pid = flags & CLONE_VM ? clone(child, stack + sizeof stack, flags, NULL)
                                 : (pid_t)syscall(SYS_clone, (long)flags, 0, 0, 0, 0);
    if (pid == 0)
        child(NULL);
    return pid < 0 || ended_badly(pid);
}

static int by_kill(int how)
{
    (void)how;
    pid_t pid = fork();
    if (pid == 0)
        child(NULL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return 0;
}

static atomic_int visiting;
static pthread_t visitor;

__attribute__((noinline)) uint64_t visit(uint64_t *counter)
{
    return ++*counter;
}

static void *come_by(void *nothing)
{
    while (visiting)
        visit(&mine);
    return nothing;
}

static int begin_visit(int how)
{
    (void)how;
    visiting = 1;
    return pthread_create(&visitor, NULL, come_by, NULL);
}

static int end_visit(int how)
{
    (void)how;
    visiting = 0;
    return pthread_join(visitor, NULL);
}

static void make(int one(int), int how, int count)
{
    int bad = 0;
    for (int i = 0; i < count; i++)
        bad += one(how);
    printf("%d\n", bad);
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGUSR1, arrived);
    signal(SIGUSR2, SIG_IGN);
    to_oneself = count > 2;
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 16);
    for (int i = 0; i < (count > 1 ? atoi(arguments[1]) : 1); i++)
        if (pthread_create(&thread, &small, run, NULL) != 0)
            return 2;
    puts("ready");
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        int a = 0, b = 0;
        if (sscanf(line, "fork %d", &a) == 1)
            make(by_fork, 0, a);
        else if (sscanf(line, "clone %d %d", &a, &b) == 2)
            make(by_clone, a, b);
        else if (sscanf(line, "share %d", &a) == 1)
            make(by_clone, CLONE_VM, a);
        else if (sscanf(line, "kill %d", &a) == 1)
            make(by_kill, 0, a);
        else if (strcmp(line, "visitor\n") == 0)
            make(begin_visit, 0, 1);
        else if (strcmp(line, "leave\n") == 0)
            make(end_visit, 0, 1);
        else
            printf("{\"steps\": %lu, \"signals\": %lu}\n", atomic_exchange(&steps, 0), atomic_exchange(&signals, 0));
    }
    return 0;
}
