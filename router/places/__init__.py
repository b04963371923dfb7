"""Where somebody is: what people, telephones and programs say of it, read and checked. Pure."""
