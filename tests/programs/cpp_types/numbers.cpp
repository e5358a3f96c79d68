/* Scalars that C has not, references, and what is written as a constant. */
#include "types.h"

namespace shop {

static POINT void scalars(bool yes, bool no, char16_t narrow, char32_t wide, long long large, unsigned char byte,
                          decltype(nullptr) nothing)
{
    touch(nullptr, yes, no, narrow, wide, large, byte, nothing); // point: scalars
}

static POINT void enums(colour paint, below least, plain old, article::kind nested)
{
    touch(nullptr, paint, least, old, nested); // point: enums
}

static POINT void references(int &number, const pair &small, article &thing, int *&pointer, double &&moved,
                             colour &paint)
{
    touch(&number, &small, &thing, &pointer, &moved, &paint); // point: references
}

static POINT void pointers(pair *one, const char *text, int pair::*member, void (*function)(), const char *const *list)
{
    (void)member;
    touch(one, text, function, list); // point: pointers
}

static POINT void strings(std::string by_value, const std::string &reference, std::string_view view)
{
    touch(&by_value, &reference, &view); // point: strings
}

static POINT void containers(const std::vector<int> &numbers, const std::unique_ptr<pair> &owned,
                             const std::array<int, 3> &fixed)
{
    touch(&numbers, &owned, &fixed); // point: containers
}

void ask_numbers()
{
    static int number = 1234;
    static int *pointer = &number;
    static const char *const list[] = {"one", "two"};
    static colour paint = colour::green;
    scalars(true, false, u'ż', U'🐢', INT64_MIN, 255, nullptr);
    enums(colour::green, below::least, SECOND, article::TOOL);
    references(number, kept.small, kept.thing, pointer, 2.5, paint);
    pointers(&kept.small, "text", nullptr, ask_numbers, list);
    strings(kept.longer, kept.text, std::string_view("viewed").substr(0, 4));
    containers(kept.numbers, kept.owned, kept.fixed);
}

} // namespace shop
