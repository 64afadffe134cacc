/* Rules that the simulator can switch off, to show that it would notice (tests/sim/README.md).
 *
 * In every program MRI_RULE(name) is the constant true and costs nothing. Only the library that is
 * built with MEREAU_TEETH, for the simulator, has a variable for each: there a node that lies is an
 * engine that lacks some of them. */
#ifndef MEREAU_BASE_TEETH_H
#define MEREAU_BASE_TEETH_H

#include <stdbool.h>

/* MRI_RULE_OF(name, what it says) */
#define MRI_RULES                                                                                  \
    MRI_RULE_OF(vote_once, "SLOT-3: one vote in a ballot")                                         \
    MRI_RULE_OF(keep_promise, "SLOT-7: nothing below a ballot that was promised")                  \
    MRI_RULE_OF(report_truth, "SLOT-7: a report names the highest certificate held")               \
    MRI_RULE_OF(highest_certificate, "SLOT-9: a reported certificate binds the next value")        \
    MRI_RULE_OF(votes_of_quorum, "SLOT-4: an acknowledgement stands on q votes")                   \
    MRI_RULE_OF(acks_of_quorum, "SLOT-5: a settlement stands on q acknowledgements")               \
    MRI_RULE_OF(trigger, "SLOT-8: a ballot above 0 needs a reason")                                \
    MRI_RULE_OF(funds, "LED-20: a payer has what it pays")                                         \
    MRI_RULE_OF(freeze, "LED-10.8: a frozen account does not pay")                                 \
    MRI_RULE_OF(keys_in_force, "LED-10.4: signed under the keys of its place in the chain")        \
    MRI_RULE_OF(own_space, "LED-2a: a desk opens ids of its association only")                     \
    MRI_RULE_OF(payee_known, "SLOT-5: an order settles behind those it relies on")                 \
    MRI_RULE_OF(hear_first, "a node that starts hears q - 1 others before it signs")               \
    MRI_RULE_OF(abstain, "a node that forgot what it said does not sign")                          \
    MRI_RULE_OF(say_seen, "LOG: what was seen of others' logs is said")                            \
    MRI_RULE_OF(rest, "SLOT-16: a node that rests begins no slot")                                 \
    MRI_RULE_OF(seal_silent, "EPO-4: nothing about a slot behind SEAL, but of the CUT's chain")    \
    MRI_RULE_OF(cut_quorum, "EPO-4: a CUT names q sealed logs")                                    \
    MRI_RULE_OF(cut_read, "EPO-4: the logs that a CUT names are read before it counts")            \
    MRI_RULE_OF(cut_certified, "EPO-4: a CUT rests on acknowledgements with q votes")              \
    MRI_RULE_OF(cut_first, "EPO-6: the next epoch begins behind the CUT")                          \
    MRI_RULE_OF(final_last, "EPO-6: FINAL is said when all that the CUT settles has settled")      \
    MRI_RULE_OF(next_first, "EPO-5: a CUT settles behind its NEXT")

#ifdef MEREAU_TEETH
struct mri_rules {
#define MRI_RULE_OF(name, text) bool name;
    MRI_RULES
#undef MRI_RULE_OF
};
extern struct mri_rules mri_rules;
#define MRI_RULE(name) (mri_rules.name)
#else
#define MRI_RULE(name) true
#endif

#endif
