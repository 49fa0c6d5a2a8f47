# an emulator of user programs does not tell why a start failed
[ -n "$PTM_LAUNCHER" ] && { echo "runs under a launcher already"; exit 77; }
PTM_LAUNCHER=./absent ptm bench $FIX/conv.pt -i $FIX/x.npy --backend cpu
