/*
 * One of everything that can be asked for, so that two ways of asking can be held against each other.
 * Each value stays the same for as long as it runs, which is until its standard input closes.
 *
 * A line that ends in "point: NAME" is one to ask at: the locals before it have their values there.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "types.h"

static const struct timespec PAUSE = {.tv_nsec = 1000000};

static void *ask(void *nothing)
{
    for (;;) {
        ask_numbers();
        ask_aggregates();
        ask_places();
        nanosleep(&PAUSE, NULL);
    }
    return nothing;
}

int main(void)
{
    char ignored[256];
    pthread_t thread;
    make_keep();
    pthread_create(&thread, NULL, ask, NULL);
    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0)
        ;
    return 0;
}
