#include "types.h"

#include <stdlib.h>
#include <string.h>

enum { LONG = 300, ITEMS = 5 };

static double number = 2.5;

struct keep keep;
int global_int = -123456789;
char global_text[] = "global \"text\"\n";
const struct pair global_pairs[2] = {{1, -1}, {INT16_MAX, INT16_MIN}};
double *global_pointer = &number;
_Thread_local int thread_number = 77;

void touch(const void *first, ...)
{
    (void)first;
}

static node *make_nodes(void)
{
    static node tail = {.label = "tail", .colour = UNNAMED};
    static node head = {
        .pair = {-1, 1},
        .inner_int = -42,
        .as_word = 0x04030201,
        .named = {"seven77", 0.1},
        .next = &tail,
        .label = "head",
        .colour = GREEN,
        .flag = true,
        .last = UINT64_MAX,
    };
    return &head;
}

static struct bits *make_bits(void)
{
    static struct bits bits = {
        .three = 5, .minus = -8, .wide = 0xFFFFF, .yes = true, .long_minus = -549755813888, .long_plus = 0xABCDEF,
        .colour = BLUE,
    };
    return &bits;
}

static struct flexible *make_flexible(void)
{
    struct flexible *f = malloc(sizeof *f + ITEMS * sizeof f->items[0]);
    f->count = ITEMS;
    for (int i = 0; i < ITEMS; i++)
        f->items[i] = i * i - 1;
    return f;
}

static const char *make_long_text(void)
{
    static char text[LONG + 1];
    for (int i = 0; i < LONG; i++)
        text[i] = (char)('0' + i % 10);
    return text;
}

void make_keep(void)
{
    static struct packed packed = {1, 0x22222222, 0x3333333333333333};
    static union value value = {.real = 1.0};
    keep = (struct keep){
        .head = make_nodes(),
        .bits = make_bits(),
        .packed = &packed,
        .value = &value,
        .flexible = make_flexible(),
        .long_text = make_long_text(),
        .size = 4,
    };
}
