typedef int storage_is_not_empty;
