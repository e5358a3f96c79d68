// Tracer plants a breakpoint in a running process, and then stands still: `tracer PID ADDRESS blind|deaf|awake`.
//
// As Delve does, it attaches to every thread, stops all of them, and puts an int3 at the address. Blind, it waits for
// nothing more. Else it passes every signal on until a thread has trapped; awake, it takes that trap in, and deaf,
// it does not. It prints "planted", then perhaps "trapped", and stays until it is killed.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t threads[256];
static int count;

static void fail(const char *what) {
	perror(what);
	exit(1);
}

static int known(pid_t tid) {
	for (int n = 0; n < count; n++)
		if (threads[n] == tid)
			return 1;
	return 0;
}

// A thread asleep in the kernel would not stop: it is left out.
static int asleep(int pid, int tid) {
	char path[64], state = 0;
	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
	FILE *file = fopen(path, "r");
	if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'D';
	if (file)
		fclose(file);
	return state == 'D';
}

static int attach_all(int pid) {
	char path[64];
	int found = 0;
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *folder = opendir(path);
	if (!folder)
		fail(path);
	for (struct dirent *entry; (entry = readdir(folder));) {
		pid_t tid = atoi(entry->d_name);
		if (tid == 0 || known(tid) || asleep(pid, tid) || ptrace(PTRACE_ATTACH, tid, 0, 0) != 0)
			continue;
		int status;
		if (waitpid(tid, &status, __WALL) != tid)
			fail("waitpid");
		threads[count++] = tid;
		found++;
	}
	closedir(folder);
	return found;
}

static void plant(int pid, unsigned long address) {
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int memory = open(path, O_RDWR);
	if (memory < 0 || pwrite(memory, "\xcc", 1, address) != 1)
		fail(path);
	close(memory);
}

static void until_trapped(int take_in) {
	for (;;) {
		siginfo_t seen;
		if (waitid(P_ALL, 0, &seen, WSTOPPED | WEXITED | WNOWAIT | __WALL) != 0)
			fail("waitid");
		int stopped = seen.si_code == CLD_TRAPPED || seen.si_code == CLD_STOPPED;
		if (stopped && seen.si_status == SIGTRAP && !take_in)
			return;
		waitpid(seen.si_pid, NULL, __WALL);
		if (stopped && seen.si_status == SIGTRAP)
			return;
		if (stopped)
			ptrace(PTRACE_CONT, seen.si_pid, 0, seen.si_status == SIGSTOP ? 0 : seen.si_status);
	}
}

int main(int argc, char **argv) {
	if (argc != 4)
		return 2;
	int pid = atoi(argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (attach_all(pid))
		;
	plant(pid, strtoul(argv[2], NULL, 0));
	for (int n = 0; n < count; n++)
		ptrace(PTRACE_CONT, threads[n], 0, 0);
	puts("planted");
	if (strcmp(argv[3], "blind") != 0) {
		until_trapped(strcmp(argv[3], "awake") == 0);
		puts("trapped");
	}
	for (;;)
		pause();
}
