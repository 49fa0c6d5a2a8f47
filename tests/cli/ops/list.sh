ptm ops > list; head -n 2 list; tail -n 1 list | sed "s/[0-9][0-9]*/N/g"
