ptm optimize --list-passes > a; ptm passes | cmp - a
