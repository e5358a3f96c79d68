/* Where a variable may live: the stack, a register, the file, a function, the thread. */
#include "types.h"

#define POINT __attribute__((noinline, noclone))

static int file_static = 4321;
static _Thread_local struct pair thread_pair = {7, 8};

/* Inlined at each of its five calls. */
static inline __attribute__((always_inline)) int twice(int x)
{
    int doubled = x * 2;
    touch(&file_static, doubled); // point: inlined
    return doubled + file_static;
}

static POINT int inlined_in_five_places(int n)
{
    int sum = twice(n) + twice(n + 1);
    for (int i = 0; i < 2; i++)
        sum += twice(i);
    return sum + twice(sum) + twice(-n);
}

static POINT int locals(int n, const char *text)
{
    static int local_static = 1717;
    register long in_register = n * 3L;
    const int constant = n + 1;
    volatile int unsteady = n + 2;
    int array[3] = {n, -n, 0};
    char letters[8] = "letters";
    struct pair pair = {(int16_t)n, 4};
    struct outer *pointer = keep.head;
    if (n > 0) {
        int n = 1003; /* another, which hides the parameter */
        touch(text, n); // point: shadowed
    }
    touch(text, n, in_register, constant, unsteady, array, letters, &pair, pointer, &local_static); // point: locals
    return array[0] + pair.a + (int)in_register;
}

static POINT void variable_length(int size)
{
    int squares[size];
    for (int i = 0; i < size; i++)
        squares[i] = i * i;
    touch(squares, size); // point: variable length
}

/* Its frame begins where the stack pointer was before it was aligned, which is kept in the frame itself. */
static POINT void aligned(int n)
{
    _Alignas(64) int wide[16] = {n, n + 1};
    int squares[n];
    squares[0] = n * n;
    touch(wide, squares, n); // point: aligned
}

static POINT void of_thread(int n)
{
    touch(&thread_number, thread_number, &thread_pair, n); // point: of thread
}

/* The first six words are in registers, the rest on the stack. */
static POINT void many(int a, int b, int c, int d, int e, int f, int g, long h, int8_t i, struct pair j, double k)
{
    touch(NULL, a, b, c, d, e, f, g, h, i, j, k); // point: many
}

static POINT int recurses(int depth)
{
    touch(NULL, depth); // point: recurses
    return depth ? recurses(depth - 1) + 1 : 0;
}

void ask_places(void)
{
    thread_number = 78;
    inlined_in_five_places(10);
    locals(3, "text");
    variable_length(keep.size);
    aligned(6);
    of_thread(5);
    many(1, 2, 3, 4, 5, 6, 7, 8, -9, (struct pair){10, 11}, 12.5);
    recurses(3);
}
