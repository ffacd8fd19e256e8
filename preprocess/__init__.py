import stan_boundary.environment  # noqa: F401 # first of all: what it switches off is read at import
