/* Founding by several (spec/90-federation.md): quorums, codes, offers, and charters that have them.
 */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/i18n.h"
#include "mereau/federation.h"
#include "mereau/order.h"

#define SET_TEXT(record, field, text)                                                              \
    do {                                                                                           \
        (record)->field##_len = (uint32_t)strlen(text);                                            \
        memcpy((record)->field, text, strlen(text) + 1);                                           \
    } while (0)

enum { NODES = 4 };

static struct mr_seckey log_keys[NODES], desk_keys[NODES];
static struct mr_signed_offer *offers;
static struct mr_charter *charter;

static struct mr_pubkey key_of(struct mr_seckey *ret, uint8_t role, uint8_t number)
{
    const uint8_t seed[32] = {role, number};
    struct mr_pubkey key;
    mr_seckey_from_seed(ret, &key, seed);
    return key;
}

static void fill_offer(uint8_t i)
{
    struct mr_seckey unused;
    char text[32];
    struct mr_offer *o = &offers[i].offer;
    struct mr_association *a = &o->association;
    *o = (struct mr_offer){.version = 1, .created_ms = 1, .decimals = 2, .governance_count = 1};
    memset(a->id, i + 1, sizeof a->id);
    SET_TEXT(a, name, "Association");
    snprintf(text, sizeof text, "a%u", i + 1);
    SET_TEXT(a, alias, text);
    a->cap = 1000;
    a->desk = (struct mr_keyset){.threshold = 1, .keys_count = 2};
    a->desk.keys[0] = key_of(&desk_keys[i], 1, i);
    a->desk.keys[1] = key_of(&unused, 2, i);
    a->treasury = a->desk;
    a->treasury.threshold = 2;
    memcpy(o->node.association, a->id, sizeof a->id);
    o->node.log_key = key_of(&log_keys[i], 3, i);
    o->node.transport_key = key_of(&unused, 4, i);
    o->governance[0] = key_of(&unused, 5, i);
    snprintf(text, sizeof text, "a%u.example:7290", i + 1);
    SET_TEXT(&o->node, address, text);
    snprintf(text, sizeof text, "a%u.example:7292", i + 1);
    SET_TEXT(&o->node, peer_address, text);
    mr_offer_sign(&offers[i], &log_keys[i], 0, &desk_keys[i]);
}

static void fill_charter(void)
{
    struct mr_charter *c = charter;
    *c = (struct mr_charter){.version = 1, .units_count = 2, .quorum = 3};
    SET_TEXT(c, name, "Galet");
    SET_TEXT(c, prefix, "gal");
    for (uint32_t i = 0; i < 2; i++) {
        c->units[i] =
            (struct mr_unit){.decimals = 2, .role = i == 0 ? MR_UNIT_LOCAL : MR_UNIT_RESERVE};
        SET_TEXT(&c->units[i], code, i == 0 ? "GAL" : "EUR");
    }
    c->associations_count = c->nodes_count = NODES;
    c->governance = (struct mr_keyset){.threshold = 3, .keys_count = NODES};
    for (uint32_t i = 0; i < NODES; i++) {
        c->associations[i] = offers[i].offer.association;
        c->nodes[i] = offers[i].offer.node;
        c->nodes[i].number = i + 1;
        c->governance.keys[i] = offers[i].offer.governance[0];
    }
    c->policy.version = 1;
}

/* What is wrong stands in sentences for people: it has a translation. */
static void in_french(const char *what)
{
    i18n_start("fr");
    ck_assert_ptr_nonnull(what);
    ck_assert_msg(strcmp(gettext(what), what) != 0, "not in French: %s", what);
}

static void setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    offers = calloc(NODES, sizeof *offers);
    charter = calloc(1, sizeof *charter);
    ck_assert(offers != NULL && charter != NULL);
    for (uint8_t i = 0; i < NODES; i++)
        fill_offer(i);
    fill_charter();
}

static void teardown(void)
{
    free(offers);
    free(charter);
}

/* FED-3, and that it is within what a charter allows. */
START_TEST(test_quorum)
{
    static const uint32_t table[] = {1, 2, 3, 3, 4, 4, 5};
    for (uint32_t n = 1; n <= 7; n++)
        ck_assert_uint_eq(mr_quorum_default(n), table[n - 1]);
    for (uint32_t n = 1; n <= MR_NODES_MAX; n++) {
        const uint32_t q = mr_quorum_default(n), f = (n - 1) / 3;
        ck_assert_uint_gt(2 * q, n);
        ck_assert_uint_le(q, n);
        if (n == 3)
            continue;
        ck_assert_uint_ge(2 * q - n - 1, f); /* f may lie */
        ck_assert_uint_ge(n - q, f);         /* f may be down */
        ck_assert_uint_le(2 * q - n, f + 2); /* and with a smaller quorum fewer than f */
    }
}
END_TEST

/* FED-2: computed with another program. */
START_TEST(test_confirmation)
{
    uint8_t hash[32] = {0};
    char text[MR_CONFIRMATION_MAX];
    mr_confirmation(text, hash);
    ck_assert_str_eq(text, "0000 0000 0000 0000 0000");
    for (uint8_t i = 0; i < 32; i++)
        hash[i] = (uint8_t)(0xff - i);
    mr_confirmation(text, hash);
    ck_assert_str_eq(text, "1290 2804 4318 5832 7346");
    hash[29] ^= 1;
    char other[MR_CONFIRMATION_MAX];
    mr_confirmation(other, hash);
    ck_assert_mem_eq(other, text, 20);
    ck_assert_str_ne(other, text);
}
END_TEST

/* FED-1: nothing of a signed offer can be swapped. */
START_TEST(test_offer_signatures)
{
    struct mr_signed_offer *o = &offers[0], whole = *o;
    uint8_t before[32], after[32];
    ck_assert_int_eq(mr_offer_verify(o), MR_OK);
    mr_offer_hash(before, &o->offer);
    o->offer.node.log_key = offers[1].offer.node.log_key;
    ck_assert_int_eq(mr_offer_verify(o), MR_BAD_SIGNATURE);
    mr_offer_hash(after, &o->offer);
    ck_assert_mem_ne(before, after, 32);
    *o = whole;
    o->offer.association.desk = offers[1].offer.association.desk;
    ck_assert_int_eq(mr_offer_verify(o), MR_BAD_SIGNATURE);
    *o = whole;
    o->offer.node.peer_address[0] = 'b';
    ck_assert_int_eq(mr_offer_verify(o), MR_BAD_SIGNATURE);
    *o = whole;
    o->offer.governance[0] = offers[1].offer.governance[0];
    ck_assert_int_eq(mr_offer_verify(o), MR_BAD_SIGNATURE);
    *o = whole;
    o->sigs_count = 0;
    ck_assert_int_eq(mr_offer_verify(o), MR_SIGNATURES_MISSING);
    *o = whole;
    memcpy(o->node_sig, offers[1].node_sig, sizeof o->node_sig);
    ck_assert_int_eq(mr_offer_verify(o), MR_BAD_SIGNATURE);
    *o = whole;
    o->sigs[0].key_index = 1;
    ck_assert_int_eq(mr_offer_verify(o), MR_BAD_SIGNATURE);
    *o = whole;
    o->sigs[0].key_index = 2;
    ck_assert_int_eq(mr_offer_verify(o), MR_BAD_SIGNATURE);
}
END_TEST

static void expect_unfit(const struct mr_offer *o)
{
    const char *what = NULL;
    ck_assert_int_eq(mr_offer_check(o, &what), MR_CONFIG);
    in_french(what);
}

START_TEST(test_offer_check)
{
    struct mr_offer *o = &offers[0].offer, whole = *o;
    const char *what = NULL;
    ck_assert_int_eq(mr_offer_check(o, &what), MR_OK);
    o->version = 0;
    expect_unfit(o);
    *o = whole;
    SET_TEXT(&o->association, alias, "-");
    expect_unfit(o);
    *o = whole;
    o->association.treasury.threshold = 1;
    expect_unfit(o);
    *o = whole;
    o->association.desk.threshold = 2;
    expect_unfit(o);
    *o = whole;
    o->node.number = 1;
    expect_unfit(o);
    *o = whole;
    o->node.association[0] ^= 1;
    expect_unfit(o);
    *o = whole;
    o->node.peer_address_len = 0;
    o->node.peer_address[0] = '\0';
    expect_unfit(o);
    *o = whole;
    memset(o->node.log_key.key, 0, sizeof o->node.log_key.key);
    expect_unfit(o);
    *o = whole;
    memset(o->governance[0].key, 0, sizeof o->governance[0].key);
    expect_unfit(o);
    *o = whole;
    o->governance_count = 0;
    ck_assert_int_eq(mr_offer_check(o, &what), MR_OK);
}
END_TEST

/* FED-4, and what mr_charter_check says of nodes. */
START_TEST(test_charter)
{
    const char *what = NULL;
    struct mr_charter *c = charter;
    ck_assert_msg(mr_charter_check(c, &what) == MR_OK, "%s", what);
    ck_assert_int_eq(mr_federation_check(c, &what), MR_OK);
    c->nodes[3].log_key = c->nodes[1].log_key;
    ck_assert_int_eq(mr_charter_check(c, &what), MR_CONFIG);
    in_french(what);
    fill_charter();
    c->nodes[3].transport_key = c->nodes[0].transport_key;
    ck_assert_int_eq(mr_charter_check(c, &what), MR_CONFIG);
    in_french(what);
    fill_charter();
    memset(c->nodes[2].association, 9, sizeof c->nodes[2].association);
    ck_assert_int_eq(mr_charter_check(c, &what), MR_CONFIG);
    in_french(what);
    fill_charter();
    c->quorum = 2;
    ck_assert_int_eq(mr_charter_check(c, &what), MR_CONFIG);
    in_french(what);
    fill_charter();
    SET_TEXT(&c->nodes[2], peer_address, "");
    ck_assert_int_eq(mr_federation_check(c, &what), MR_CONFIG);
    in_french(what);
    fill_charter();
    SET_TEXT(&c->nodes[2], peer_address, "a1.example:7292");
    ck_assert_int_eq(mr_federation_check(c, &what), MR_CONFIG);
    in_french(what);
    fill_charter();
    SET_TEXT(&c->nodes[2], address, "a1.example:7290");
    ck_assert_int_eq(mr_federation_check(c, &what), MR_CONFIG);
    in_french(what);
    fill_charter();
    c->nodes_count = 1;
    c->nodes[0].peer_address_len = 0;
    ck_assert_int_eq(mr_federation_check(c, &what), MR_OK);
}
END_TEST

/* LED-2a. The id of association 2 begins with these bytes. */
static enum mr_status with_space(const char **ret_what, const uint8_t bytes[4])
{
    fill_charter();
    memcpy(charter->associations[2].id, bytes, 4);
    memcpy(charter->nodes[2].association, bytes, 4);
    return mr_charter_check(charter, ret_what);
}

START_TEST(test_spaces)
{
    const char *what = "";
    fill_charter();
    uint8_t bytes[4];
    memcpy(bytes, charter->associations[1].id, 4);
    ck_assert_int_eq(with_space(&what, bytes), MR_CONFIG);
    ck_assert_ptr_nonnull(strstr(what, "same four bytes"));
    bytes[3] ^= 1;
    ck_assert_msg(with_space(&what, bytes) == MR_OK, "%s", what);
    memset(bytes, 0, 4);
    ck_assert_int_eq(with_space(&what, bytes), MR_CONFIG);
    ck_assert_ptr_nonnull(strstr(what, "four bytes of zero"));
    bytes[3] = 1;
    ck_assert_msg(with_space(&what, bytes) == MR_OK, "%s", what);
}
END_TEST

static void expect_changed(const char *word)
{
    const char *what = "";
    uint32_t at = 99;
    ck_assert_int_eq(mr_offer_in_charter(&at, &what, &offers[2].offer, charter), MR_CONFIG);
    ck_assert_msg(strstr(what, word) != NULL, "%s", what);
    in_french(what);
    ck_assert_uint_eq(at, 99);
    fill_charter();
}

/* FED-5 */
START_TEST(test_offer_in_charter)
{
    const char *what = NULL;
    uint32_t at = 99;
    struct mr_charter *c = charter;
    for (uint32_t i = 0; i < NODES; i++) {
        ck_assert_int_eq(mr_offer_in_charter(&at, &what, &offers[i].offer, c), MR_OK);
        ck_assert_uint_eq(at, i);
    }
    c->associations[2].cap++;
    expect_changed("cap");
    c->associations[2].treasury.threshold = 1;
    expect_changed("keys");
    SET_TEXT(&c->associations[2], alias, "other");
    expect_changed("alias");
    c->associations[2].register_key[0] ^= 1;
    expect_changed("keys");
    SET_TEXT(&c->nodes[2], peer_address, "a9.example:7292");
    expect_changed("addresses");
    c->nodes[2].transport_key = c->nodes[1].transport_key;
    expect_changed("keys");
    memcpy(c->nodes[2].association, c->associations[1].id, MR_ACCOUNT_BYTES);
    expect_changed("association");
    c->governance.keys[2] = c->governance.keys[1];
    expect_changed("governance");
    c->units[0].decimals = 3;
    expect_changed("decimals");
    c->nodes[2].log_key = c->nodes[1].log_key;
    ck_assert_int_eq(mr_offer_in_charter(&at, &what, &offers[2].offer, c), MR_NOT_FOUND);
    fill_charter();
    c->associations[2].id[0] ^= 1;
    ck_assert_int_eq(mr_offer_in_charter(&at, &what, &offers[2].offer, c), MR_NOT_FOUND);
    fill_charter();
    c->governance.keys_count = 1; /* an offer without a key does not ask for one */
    offers[2].offer.governance_count = 0;
    ck_assert_int_eq(mr_offer_in_charter(&at, &what, &offers[2].offer, c), MR_OK);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("offer");
    TCase *tc = tcase_create("offer");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_quorum);
    tcase_add_test(tc, test_confirmation);
    tcase_add_test(tc, test_offer_signatures);
    tcase_add_test(tc, test_offer_check);
    tcase_add_test(tc, test_charter);
    tcase_add_test(tc, test_spaces);
    tcase_add_test(tc, test_offer_in_charter);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    const int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
