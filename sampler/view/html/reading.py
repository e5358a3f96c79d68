"""How each part of the page is read, for somebody who sees such a thing for the first time."""

from __future__ import annotations

IN_SHORT = (
    "An arm is one way of asking at one rate. Bounds in brackets tell how sure a figure is: were all of it done again"
    " and again, 95 of 100 such intervals would hold the true one.",
)
COST = (
    "Slowdown is the share of its own progress that the target lost while it was asked, over the windows just before"
    " and after in which nobody asked. Where its interval holds 0, it cannot be told from none. The control asked"
    " nothing: its row is what chance does.",
    "Suspended is what the instrument itself says that a look, or a hit, held the target for: surely as long as the"
    " first figure, at most as long as the second. A stall is a time without any progress.",
)
ANSWERS = (
    "The values that each arm saw: of 100 samples 5 are at most p5, 50 at most the median, 95 at most p95. A miss is a"
    " look that gave no value. Tools that meet every hit sum up in buckets; of those the lower edge is shown.",
)
AGREEMENT = (
    "The distance of two sets of values is 0 where they are alike and 1 where they have nothing in common: the largest"
    " difference between their distribution functions. The truth is what the target itself told of the same time."
    " Changed by asking is how far that is from what it told just before and after; the control's row is how far it is"
    " by itself. A question mark: too few samples to tell.",
    "Looks meet what a moment has to expect of the next call, tools that meet every hit count each call once. Each is"
    " held against the truth of its own question, so two that differ from one another may both be right.",
)
MOMENTS = (
    "A look waits for the next call, and meets one after a long pause more often than one in a crowd. So the mean of"
    " all looks is what a moment has to expect of the next call. What calls at large find, each counted once, shows in"
    " the looks that waited for a short time only; where these are too few, it is not told.",
)
MODEL = (
    "One law explains the slowdowns: who samples takes so much a look, as often as it looks; who traces takes so much a"
    " hit, as often as the target comes by. Fitted is the figure that fits the rounds best; what the instrument itself"
    " reckons stands beside it. So for each pair there is a rate below which sampling is the gentler one.",
)
FAILURES = ("An arm that could not ask is a finding too. One that fails twice, and never did otherwise, is left out.",)
ROUNDS = (
    "Each figure is the progress of one window, in percent of that of the untouched windows beside it: 100 is as if"
    " nobody had asked. The slowdowns above are made of these alone, so a round that stands out shows here. The first"
    " row is how fast the target was while nobody asked.",
)
AGAIN = (
    "The process's number will be another one. With the seed the arms come in the same order; what the machine does"
    " besides is never the same, which is what the intervals are for.",
)

#: By the name of a picture what it is called, and how it is read.
PICTURES = {
    "slowdown": (
        "What asking takes from the target, over looks a second",
        "Each mark is an arm with its 95 % interval; an open one cannot be told from none. A line is the law that fits"
        " an instrument's arms, a band is what it reckons itself. Tools that meet every hit are horizontal: where a"
        " line crosses them, asking so often takes as much.",
    ),
    "suspended": (
        "For how long one look suspends the target",
        "Each dot is a look: a full one for how long the target was surely suspended, an open one for how long at"
        " most.",
    ),
    "values": (
        "The distribution of the values that each instrument saw",
        "A line rises at each value by the share of samples that have it, up to 100 %. Where it lies upon the grey"
        " one, the instrument saw what the target itself tells of the same time.",
    ),
    "sweep": (
        "How often each instrument can ask, and how long the target then stands",
        "From left to right is asked more often. Above: whether the instrument came to that many looks; below: the"
        " share of time for which the target was suspended.",
    ),
}
