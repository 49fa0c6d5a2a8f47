ptm inspect $E2E/passes/densenet.traced.pt -i $E2E/passes/densenet.traced.in0.npy --backend ref --optimize --dump plan | grep -v const
