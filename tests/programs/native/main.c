// Native is a program in C whose threads stand where a rescue could go wrong. It runs until its standard input
// closes, and ends with status 3 as soon as an instruction was left out or done twice.
//
// Both points are at an instruction of one byte, stosb, so that a thread can stand behind it without a trap.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char looped[], passed[];
static unsigned char once[16];
static volatile unsigned long turns;

// Stores one byte, and returns how many were stored.
unsigned long store(unsigned char *to);
__asm__(".globl store, looped\n"
        "store:  xorl %eax, %eax\n"
        "        notl %eax\n"
        "looped: stosb\n"
        "        movq %rdi, %rax\n"
        "        ret\n");

static void fail(const char *what) {
	fprintf(stderr, "native: %s\n", what);
	_exit(3);
}

static void *loop(void *nothing) {
	unsigned char byte[16];
	for (;; turns++) {
		memset(byte, 0, sizeof byte);
		unsigned char *end = (unsigned char *)store(byte);
		if (end != byte + 1 || byte[0] != 0xff || byte[1])
			fail("store was not done just once");
	}
	return nothing;
}

// Passes its point, and stays just behind it for ever.
static void *spin(void *nothing) {
	__asm__ volatile(".globl passed\n"
	                 "passed: stosb\n"
	                 "1:      jmp 1b\n" ::"D"(once), "a"(0xff) : "memory");
	return nothing;
}

// In state D, uninterruptible, for ever: until its child ends, which it does not.
static void *sleep_deep(void *nothing) {
	if (vfork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return nothing;
}

static void trapped(int number) {
	(void)number;
	fail("SIGTRAP");
}

static void start(void *(*run)(void *)) {
	pthread_t thread;
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		fail("no thread");
}

static void report(void) {
	int stored = 0;
	for (unsigned n = 0; n < sizeof once; n++)
		stored += once[n] != 0;
	printf("{\"looped\": %lu, \"passed\": %lu, \"turns\": %lu, \"stored\": %d}\n", (unsigned long)looped,
	       (unsigned long)passed, turns, stored);
}

int main(void) {
	char command[32];
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTRAP, trapped);
	start(loop);
	start(spin);
	puts("ready");
	while (fgets(command, sizeof command, stdin)) {
		if (strcmp(command, "report\n") == 0)
			report();
		if (strcmp(command, "sleep\n") == 0) {
			start(sleep_deep);
			puts("ok");
		}
	}
	return 0;
}
