typedef int transport_is_not_empty;
