"$PTM" profile "$TOP/tests/session/branch.pt" -i [1.0,2.0,3.0,4.0] -r 2 -w 1 --sort order --cpu c | sed -f "$TOP/tests/cli/profile/mask.sed"
