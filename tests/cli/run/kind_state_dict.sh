ptm run $FIX/state_dict.pth
