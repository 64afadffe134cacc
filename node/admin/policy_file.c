#include "admin/policy_file.h"

#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/i18n.h"
#include "mereau/codec.h"
#include "mereau/order.h"

enum { POLICY_FILE_MAX = 65536, CLASS_NUMBER_MAX = 64, DAY_MAX = 1000000 };

json_t *policy_to_json(const struct mr_policy *p)
{
    const size_t len = mr_policy_json(p, NULL, 0);
    char *text = malloc(len + 1);
    if (text == NULL)
        return NULL;
    mr_policy_json(p, text, len + 1);
    json_t *value = json_loads(text, 0, NULL);
    free(text);
    return value;
}

static bool class_of(enum mr_account_class *ret, const char *text)
{
    for (int i = 1; i < CLASS_NUMBER_MAX; i++) {
        const char *known = mr_account_class_text((enum mr_account_class)i);
        if (known != NULL && strcmp(known, text) == 0 &&
            mr_is_member_class((enum mr_account_class)i)) {
            *ret = (enum mr_account_class)i;
            return true;
        }
    }
    return false;
}

static bool within(json_int_t value, int64_t max)
{
    return value >= 0 && value <= max;
}

static bool read_rule(struct mr_class_rule *ret, json_t *value, json_error_t *error)
{
    const char *class;
    int pay, receive, redeem;
    json_int_t min, payment, day, month;
    if (json_unpack_ex(value, error, 0, "{s:s,s:b,s:b,s:b,s:I,s:I,s:I,s:I!}", "class", &class,
                       "may_pay", &pay, "may_receive", &receive, "may_redeem", &redeem,
                       "redeem_min", &min, "limit_payment", &payment, "limit_day", &day,
                       "limit_month", &month) != 0)
        return false;
    *ret = (struct mr_class_rule){.may_pay = pay != 0,
                                  .may_receive = receive != 0,
                                  .may_redeem = redeem != 0,
                                  .redeem_min = min,
                                  .limit_payment = payment,
                                  .limit_day = day,
                                  .limit_month = month};
    snprintf(error->text, sizeof error->text, "a class or an amount is out of range");
    return class_of(&ret->class, class) && within(min, MR_AMOUNT_MAX) &&
           within(payment, MR_AMOUNT_MAX) && within(day, MR_AMOUNT_MAX) &&
           within(month, MR_AMOUNT_MAX);
}

static bool read_fee(struct mr_fee_rule *ret, json_t *value, json_error_t *error)
{
    const char *kind, *class;
    json_int_t points, min, max, day;
    if (json_unpack_ex(value, error, 0, "{s:s,s:s,s:I,s:I,s:I,s:I!}", "kind", &kind, "class",
                       &class, "basis_points", &points, "fee_min", &min, "fee_max", &max,
                       "start_day", &day) != 0)
        return false;
    snprintf(error->text, sizeof error->text, "a kind, a class or a number is out of range");
    const bool is_pay = strcmp(kind, "pay") == 0;
    if ((!is_pay && strcmp(kind, "redeem") != 0) || !within(points, 10000) ||
        !within(min, MR_AMOUNT_MAX) || !within(max, MR_AMOUNT_MAX) || !within(day, DAY_MAX))
        return false;
    *ret = (struct mr_fee_rule){.kind = is_pay ? MR_KIND_PAY : MR_KIND_REDEEM,
                                .basis_points = (uint32_t)points,
                                .fee_min = min,
                                .fee_max = max,
                                .start_day = (uint32_t)day};
    return class_of(&ret->class, class);
}

static bool read_policy(struct mr_policy *p, json_t *root, json_error_t *error)
{
    json_int_t version, start;
    json_t *classes, *fees;
    if (json_unpack_ex(root, error, 0, "{s:I,s:I,s:o,s:o!}", "version", &version, "start_day",
                       &start, "classes", &classes, "fees", &fees) != 0)
        return false;
    snprintf(error->text, sizeof error->text, "a number or the length of a list is out of range");
    if (!json_is_array(classes) || !json_is_array(fees) || version < 1 ||
        !within(version, DAY_MAX) || !within(start, DAY_MAX) ||
        json_array_size(classes) > MR_CLASS_RULES_MAX || json_array_size(fees) > MR_FEES_MAX)
        return false;
    *p = (struct mr_policy){.version = (uint32_t)version, .start_day = (uint32_t)start};
    for (size_t i = 0; i < json_array_size(classes); i++)
        if (!read_rule(&p->classes[p->classes_count++], json_array_get(classes, i), error))
            return false;
    for (size_t i = 0; i < json_array_size(fees); i++)
        if (!read_fee(&p->fees[p->fees_count++], json_array_get(fees, i), error))
            return false;
    return true;
}

/* What `policy show --json` prints holds the policy as one of its fields. */
static json_t *policy_part(json_t *root)
{
    json_t *part = json_object_get(root, "policy");
    return part != NULL ? part : root;
}

enum mr_status policy_file_read(struct mr_policy *ret, struct out *out, const char *path)
{
    uint8_t *text = NULL;
    size_t len;
    json_error_t error;
    enum mr_status st = file_read(&text, &len, path, POLICY_FILE_MAX);
    if (st != MR_OK)
        return out_fail(out, st, _("%s cannot be read: %s"), path, status_sentence(st));
    json_t *root = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        st = out_fail(out, MR_CONFIG, _("%s, line %d: this is not JSON (%s)"), path, error.line,
                      error.text);
    else if (!read_policy(ret, policy_part(root), &error))
        st = out_fail(out, MR_CONFIG, _("%s is not a policy: %s"), path, error.text);
    json_decref(root);
    free(text);
    return st;
}
