/* Random histories on the real ledger and on a naive one: the same answers, the same state. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/play.h"

enum { STEPS = 400, SEEDS = 40 };

static struct play play;
static struct tally *tally;
static int first_seed = 1, seeds = SEEDS;

START_TEST(the_ledger_and_the_model_agree)
{
    printf("seed %d: repeat with test_model --from %d --seeds 1\n", _i, _i);
    fflush(stdout);
    play_init(&play, tally, (uint64_t)_i);
    for (int i = 0; i < STEPS; i++)
        play_step(&play);
    play_done(&play);
}
END_TEST

/* The default seeds meet every answer and every kind: else the proof has become weaker. */
START_TEST(the_histories_met_everything)
{
    static const enum mr_status answers[] = {MR_PARKED,
                                             MR_SETTLED,
                                             MR_VOIDED,
                                             MR_OUT_OF_RANGE,
                                             MR_BAD_SIGNATURE,
                                             MR_BAD_KEY,
                                             MR_SIGNATURES_MISSING,
                                             MR_WRONG_LEDGER,
                                             MR_ACCOUNT_UNKNOWN,
                                             MR_ACCOUNT_EXISTS,
                                             MR_SEQ_OLD,
                                             MR_SEQ_AHEAD,
                                             MR_PREV_MISMATCH,
                                             MR_SLOT_TAKEN,
                                             MR_TIME_BACK,
                                             MR_EXPIRED,
                                             MR_WRONG_CHAIN,
                                             MR_NOTHING_TO_CANCEL,
                                             MR_AMOUNT_UNIT,
                                             MR_UNIT_UNKNOWN,
                                             MR_PAYEE_SELF,
                                             MR_PAYEE_FROZEN,
                                             MR_PAYEE_CLOSED,
                                             MR_PAYEE_CLASS,
                                             MR_PAYEE_TWICE,
                                             MR_PAYER_FROZEN,
                                             MR_PAYER_CLOSED,
                                             MR_CLASS_FORBIDS,
                                             MR_LIMIT_PAYMENT,
                                             MR_LIMIT_DAY,
                                             MR_LIMIT_MONTH,
                                             MR_MINIMUM,
                                             MR_FEE_MISMATCH,
                                             MR_BANK_REF_USED,
                                             MR_BANK_SUM,
                                             MR_REDEMPTION_DONE,
                                             MR_REDEMPTION_MISMATCH,
                                             MR_ALIAS_TAKEN,
                                             MR_ALIAS_SYNTAX,
                                             MR_NOT_YOURS,
                                             MR_LOWERED,
                                             MR_POLICY_NOTICE,
                                             MR_POLICY_VERSION,
                                             MR_NO_CHANGE,
                                             MR_NOT_CLOSED,
                                             MR_NOT_FOUND,
                                             MR_POLICY_NOT_IN_FORCE,
                                             MR_CAP_EXCEEDED,
                                             MR_KEYS_OLD,
                                             MR_RECOVERY_EARLY,
                                             MR_RECOVERY_STOPPED,
                                             MR_TOO_MANY};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        ck_assert_msg(tally->answers[answers[i]] > 0, "%s was never answered",
                      mr_status_name(answers[i]));
    for (int k = MR_KIND_OPEN; k <= MR_KIND_TAKEOVER; k++)
        ck_assert_msg(tally->kinds[k] > 0, "no order of kind %d settled", k);
    for (int k = MR_KIND_POLICY; k <= MR_KIND_LOWER; k++)
        ck_assert_msg(tally->kinds[k] > 0, "no order of kind %d settled", k);
    ck_assert_uint_gt(tally->woken[MR_KIND_PAY], 0);
    ck_assert_uint_gt(tally->woken[MR_KIND_CLEAR], 0);
    ck_assert_uint_gt(tally->restarts, 0);
}
END_TEST

static int number(const char *text, int otherwise)
{
    return text != NULL && atoi(text) > 0 ? atoi(text) : otherwise;
}

int main(int argc, char **argv)
{
    seeds = number(getenv("MEREAU_MODEL_SEEDS"), SEEDS);
    first_seed = number(getenv("MEREAU_MODEL_FROM"), 1);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seeds") == 0)
            seeds = number(argv[i + 1], seeds);
        if (strcmp(argv[i], "--from") == 0)
            first_seed = number(argv[i + 1], first_seed);
    }
    printf("seeds %d to %d of %d steps; others: test_model --from S --seeds N\n", first_seed,
           first_seed + seeds - 1, STEPS);
    fflush(stdout);
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    Suite *s = suite_create("model");
    TCase *tc = tcase_create("model");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, the_ledger_and_the_model_agree, first_seed, first_seed + seeds);
    if (first_seed == 1 && seeds >= SEEDS)
        tcase_add_test(tc, the_histories_met_everything);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
