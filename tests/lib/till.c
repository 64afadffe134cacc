#include "lib/till.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"

struct till till;

void till_open(unsigned operators)
{
    scratch_make(typed.dir);
    office_found(&till.office, typed.dir, operators);
    till_read_link();
}

void till_open_skewed(unsigned operators, const char *skew)
{
    scratch_make(typed.dir);
    setenv("LD_PRELOAD", skew, 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    setenv("SKEW_FILE", typed_at("clock"), 1);
    office_found(&till.office, typed.dir, operators);
    till_read_link();
}

void till_clock_ahead(long long minutes)
{
    char ms[32];
    snprintf(ms, sizeof ms, "%lld", minutes * 60000);
    ck_assert_int_eq(file_write(typed_at("clock"), ms, strlen(ms), 0600, true), MR_OK);
}

void till_close(void)
{
    office_done(&till.office);
    typed_done();
    scratch_remove(typed.dir);
}

void till_read_link(void)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", till.office.port);
    DESK(0, "link", "--address", address);
    snprintf(till.link, sizeof till.link, "%s", office_text(&till.office, "join_link"));
}

void till_join(char ret_address[OFFICE_ADDRESS_MAX], const char *wallet, const char *name,
               const char *class)
{
    PURSE(0, wallet, "join", till.link, "--name", name, "--contact", "x@example.org", "--class",
          class, "--kdf-min");
    snprintf(ret_address, OFFICE_ADDRESS_MAX, "%s", typed_field("account"));
}

void till_second_signs(void)
{
    char draft[TYPED_PATH];
    ck_assert_str_eq(office_text(&till.office, "state"), "draft");
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    till.office.key = "op2";
    DESK(0, "draft", "show", draft);
    DESK(0, "draft", "sign", draft);
    ck_assert_str_eq(office_text(&till.office, "state"), "settled");
    till.office.key = "op1";
}

void till_cap(const char *amount)
{
    char draft[TYPED_PATH];
    till.office.key = "governance1";
    DESK(0, "cap", amount);
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    if (draft[0] != '\0') {
        till.office.key = "governance2";
        DESK(0, "draft", "sign", draft);
    }
    ck_assert_str_eq(office_text(&till.office, "state"), "settled");
    till.office.key = "op1";
}
