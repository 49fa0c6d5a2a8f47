"$PTM" profile "$TOP/tests/session/counter.pt" -i [1.0,2.0] -r 2 -w 1 --sort order --cpu c | sed -f "$TOP/tests/cli/profile/mask.sed"
