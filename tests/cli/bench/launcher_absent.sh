PTM_LAUNCHER=./absent ptm bench $FIX/conv.pt -i $FIX/x.npy --backend cpu
