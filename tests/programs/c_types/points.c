#include "types.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <wchar.h>

#define POINT __attribute__((noinline, noclone))

static POINT void integers(char c, signed char sc, unsigned char uc, short s, unsigned short us, int i, unsigned int u,
                           long l, unsigned long ul, long long ll, unsigned long long ull)
{
    touch(NULL, c, sc, uc, s, us, i, u, l, ul, ll, ull); // point: integers
}

static POINT void wide(__int128 low, unsigned __int128 high, _Bool yes, _Bool no, wchar_t letter, size_t size,
                       ptrdiff_t difference)
{
    touch(NULL, low, high, yes, no, letter, size, difference); // point: wide
}

static POINT void floats(float f, double d, long double ld, double infinite, double not_a_number, double subnormal,
                         double complex z, _Float128 quad)
{
    touch(NULL, f, d, ld, infinite, not_a_number, subnormal, z, quad); // point: floats
}

static POINT void enums(enum colour named, enum colour unnamed, enum signs below, enum flags both, ticks t)
{
    touch(NULL, named, unnamed, below, both, t); // point: enums
}

static POINT void pointers(int *null, int *to_int, double **to_pointer, void *raw, struct outer *to_struct,
                           int (*to_function)(int, int), operation by_name, const volatile int *guarded)
{
    touch(null, to_int, to_pointer, raw, to_struct, to_function, by_name, guarded); // point: pointers
}

static POINT void texts(const char *null, const char *empty, const char *ascii, const char *quoted, const char *utf8,
                        const char *longer, const wchar_t *wide_text)
{
    touch(null, empty, ascii, quoted, utf8, longer, wide_text); // point: texts
}

static POINT void structs(struct outer by_value, const node *by_name, struct pair small, struct bits bits,
                          struct packed packed, union value value)
{
    touch(by_name, by_value, small, bits, packed, value); // point: structs
}

static POINT void arrays(int ints[3], row *rows, char (*text)[8], struct flexible *flexible, vector4 vector)
{
    touch(ints, rows, text, flexible, vector); // point: arrays
}

static int add(int a, int b)
{
    return a + b;
}

void ask_numbers(void)
{
    unsigned __int128 most = ~(unsigned __int128)0;
    integers('c', SCHAR_MIN, UCHAR_MAX, SHRT_MIN, USHRT_MAX, INT_MIN, UINT_MAX, LONG_MIN, ULONG_MAX, LLONG_MIN,
             ULLONG_MAX);
    wide(-(__int128)(most >> 1) - 1, most, true, false, L'ż', SIZE_MAX, PTRDIFF_MIN);
    floats(3.25f, DBL_MAX, 1.0L / 3, -INFINITY, NAN, DBL_MIN / 4, 1.5 - 2.5 * I, 1.5);
    enums(GREEN, UNNAMED, BELOW, READ | EXECUTE, ULLONG_MAX);
}

void ask_aggregates(void)
{
    static int ints[3] = {1, -2, 3};
    static row rows[2] = {{1, 2, 3}, {4, 5, 6}};
    static const volatile int guarded = 99;
    pointers(NULL, &global_int, &global_pointer, keep.head, keep.head, add, add, &guarded);
    texts(NULL, "", "ascii", "a \"b\"\n(gdb) \001\377 c", "żółw 🐢", keep.long_text, L"szeroki ż");
    structs(*keep.head, keep.head, (struct pair){1, 2}, *keep.bits, *keep.packed, *keep.value);
    arrays(ints, rows, &keep.head->named.name, keep.flexible, (vector4){1, 2, 3, 4});
}
