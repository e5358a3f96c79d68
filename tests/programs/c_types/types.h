#ifndef TYPES_H
#define TYPES_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum colour { RED = 1, GREEN, BLUE, UNNAMED = 100 };
enum signs { BELOW = -1, NONE, ABOVE };
enum flags { READ = 1, WRITE = 2, EXECUTE = 4 };

struct pair {
    int16_t a, b;
};

/* Members without a name of their own belong to the struct around them. */
struct outer {
    struct pair pair;
    struct {
        int32_t inner_int;
        union {
            uint32_t as_word;
            uint8_t as_bytes[4];
        };
    };
    struct {
        char name[8];
        double weight;
    } named;
    struct outer *next;
    const char *label;
    enum colour colour;
    _Bool flag;
    uint64_t last;
};

struct bits {
    unsigned int three : 3;
    signed int minus : 4;
    unsigned int : 5;
    unsigned int wide : 20;
    _Bool yes : 1;
    int64_t long_minus : 40;
    uint64_t long_plus : 24;
    enum colour colour : 7;
};

struct packed {
    uint8_t first;
    uint32_t second;
    uint64_t third;
} __attribute__((packed));

union value {
    int64_t integer;
    double real;
    struct pair pairs[2];
    unsigned char bytes[8];
};

struct flexible {
    size_t count;
    int32_t items[];
};

typedef unsigned long long ticks;
typedef struct outer node;
typedef int (*operation)(int, int);
typedef int row[3];
typedef float vector4 __attribute__((vector_size(16)));

/* What is passed to the points, so that it is the same in each round. */
struct keep {
    node *head;
    struct bits *bits;
    struct packed *packed;
    union value *value;
    struct flexible *flexible;
    const char *long_text;
    int size; /* of an array whose length is not known before */
};

extern struct keep keep;
extern int global_int;
extern char global_text[];
extern const struct pair global_pairs[2];
extern double *global_pointer;
extern _Thread_local int thread_number;

void make_keep(void);

/*
 * Needs all of what it is given: what is passed to it is there until then, in optimised code too. It
 * is in another file, and so the compiler cannot know that it does nothing.
 */
void touch(const void *first, ...);

/* points.c */
void ask_numbers(void);
void ask_aggregates(void);

/* places.c */
void ask_places(void);

#endif
