#include "base/teeth.h"

#ifdef MEREAU_TEETH
struct mri_rules mri_rules = {
#define MRI_RULE_OF(name, text) .name = true,
    MRI_RULES
#undef MRI_RULE_OF
};
#else
/* ISO C wants something in a file. */
typedef int mri_no_teeth;
#endif
