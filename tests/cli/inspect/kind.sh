ptm inspect $FIX/state_dict.pth
