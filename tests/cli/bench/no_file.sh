ptm bench absent.pt -i $FIX/x.npy --backend cpu
