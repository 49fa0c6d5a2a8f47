ptm passes
