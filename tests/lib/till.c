#include "lib/till.h"

#include <stdio.h>

struct till till;

void till_open(unsigned operators)
{
    scratch_make(typed.dir);
    office_found(&till.office, typed.dir, operators);
    till_read_link();
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
