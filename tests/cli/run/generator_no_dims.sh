ptm run $FIX/conv.pt -i @random
