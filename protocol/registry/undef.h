/* Ends one expansion of records.def. No include guard: included after every expansion. */
#undef MR_STRUCT
#undef MR_OPAQUE
#undef MR_BYTES
#undef MR_TEXT
#undef MR_U32
#undef MR_U64
#undef MR_I64
#undef MR_BOOL
#undef MR_TAG
#undef MR_SUB
#undef MR_LIST
#undef MR_STRUCT_END
#undef MR_UNION
#undef MR_ARM
#undef MR_UNION_END
