/* A program with one object, which goes elsewhere, goes away, or is another program's, when it is told to.
 *
 * It writes to the object time and again, and calls visit() on it all the time. The objects are numbered, the first
 * by the argument.
 * Commands on standard input, one line each, one line of answer, the number of the object:
 *   move     another object elsewhere; the one before stays where it was
 *   unmap    the object's memory is gone, and nobody is called until there is another one
 *   again    another object where the last one was
 *   stack    another object, which lies on the stack
 *   drop     no object: visit() is called with none
 *   quiet    nobody is called until there is another object
 *   exec     becomes itself anew, its first object where that of this one was; prints "ready" again
 *   leave    ends at once, by leave(); nothing is printed
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, FIRST = 1, OF_THE_NEXT_PROGRAM = 1000 };
/* In a round: it writes in the first part of it, so that who reads twice finds what changes and what does not. */
enum { VISITS = 5000, WRITES = 500 };

/* first, second and third are written in this order, the last one on another page. Whole pages can be unmapped. */
struct object {
    uint64_t number;
    uint64_t first, second;
    uint64_t all_or_nothing; /* its bits */
    char between[2 * PAGE];
    uint64_t third;
} __attribute__((aligned(PAGE)));

static struct object at_first; /* the program is linked to one address */
static struct object *object = &at_first;
static volatile struct object *volatile visited;
static uint64_t last_number;
static int calling = 1;

__attribute__((noipa)) void visit(volatile struct object *o)
{
    visited = o;
}

static void write_to(volatile struct object *o)
{
    uint64_t next = o->first + 1;
    o->first = next;
    o->second = next;
    o->third = next;
    o->all_or_nothing = ~o->all_or_nothing;
}

static void take(struct object *other)
{
    memset(other, 0, sizeof *other);
    other->number = ++last_number;
    object = other;
    calling = 1;
}

static struct object *mapped(void *address, int flags)
{
    void *made = mmap(address, sizeof *object, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (made == MAP_FAILED)
        exit(2);
    return made;
}

static void become_another(void)
{
    char number[24];
    snprintf(number, sizeof number, "%d", OF_THE_NEXT_PROGRAM);
    execl("/proc/self/exe", "moving", number, (char *)NULL);
}

__attribute__((noipa)) void leave(int status)
{
    _exit(status);
}

static void unmap(void)
{
    if (munmap(object, sizeof *object) != 0)
        exit(2);
    calling = 0;
}

static void obey(const char *command, struct object *on_stack)
{
    if (!strcmp(command, "move\n"))
        take(mapped(NULL, 0));
    else if (!strcmp(command, "unmap\n"))
        unmap();
    else if (!strcmp(command, "again\n"))
        take(mapped(object, MAP_FIXED_NOREPLACE));
    else if (!strcmp(command, "stack\n"))
        take(on_stack);
    else if (!strcmp(command, "drop\n"))
        object = NULL;
    else if (!strcmp(command, "quiet\n"))
        calling = 0;
    else if (!strcmp(command, "exec\n"))
        become_another();
    else if (!strcmp(command, "leave\n"))
        leave(0);
    printf("%lu\n", last_number);
}

static void go_on(void)
{
    for (int i = 0; i < VISITS; i++) {
        if (object && i < WRITES)
            write_to(object);
        visit(object);
    }
}

int main(int count, char **arguments)
{
    struct object on_stack;
    char command[64];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0);
    last_number = count > 1 ? strtoul(arguments[1], NULL, 10) : FIRST;
    at_first.number = last_number;
    puts("ready");
    for (;;) {
        if (calling)
            go_on();
        if (poll(&input, 1, calling ? 0 : -1) <= 0)
            continue;
        if (!fgets(command, sizeof command, stdin))
            return 0;
        obey(command, &on_stack);
    }
}
