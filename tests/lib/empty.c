typedef int testlib_is_not_empty;
