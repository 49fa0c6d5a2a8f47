ptm optimize $FIX/state_dict.pth -o out.ptm
