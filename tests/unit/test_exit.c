/* What a program ends with: only what is settled is done, what may still happen is never refused.
 */
#include <check.h>

#include "common/exit.h"

static const struct {
    enum mr_status st;
    enum exit_code code;
} rows[] = {
    {MR_OK, EXIT_DONE},
    {MR_SETTLED, EXIT_DONE},
    {MR_ALREADY_DONE, EXIT_DONE},
    {MR_PARKED, EXIT_UNKNOWN},
    {MR_UNSETTLED, EXIT_UNKNOWN},
    {MR_VOTING, EXIT_UNKNOWN},
    {MR_CERTIFIED, EXIT_UNKNOWN},
    {MR_NO_ANSWER, EXIT_UNKNOWN},
    {MR_UNREACHABLE, EXIT_UNKNOWN},
    {MR_STARTING, EXIT_UNKNOWN},
    {MR_NO_QUORUM, EXIT_UNKNOWN},
    {MR_BEHIND, EXIT_UNKNOWN},
    {MR_STOPPING, EXIT_UNKNOWN},
    {MR_ABSTAINING, EXIT_UNKNOWN},
    {MR_VOIDED, EXIT_REFUSED},
    {MR_FUNDS_SHORT, EXIT_REFUSED},
    {MR_SLOT_TAKEN, EXIT_REFUSED},
    {MR_FILE_EXISTS, EXIT_REFUSED},
    {MR_USAGE, EXIT_USAGE},
    {MR_IO_ERROR, EXIT_HOST},
    {MR_BAD_RECEIPT, EXIT_CHECK},
    {MR_WRONG_NODE, EXIT_CHECK},
    {MR_FORKED, EXIT_CHECK},
    {MR_BAD_HEAD, EXIT_CHECK},
};

START_TEST(codes)
{
    ck_assert_msg(exit_code_of(rows[_i].st) == rows[_i].code, "%s: %d", mr_status_name(rows[_i].st),
                  (int)exit_code_of(rows[_i].st));
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("exit");
    TCase *const tc = tcase_create("codes");
    tcase_add_loop_test(tc, codes, 0, sizeof rows / sizeof rows[0]);
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
