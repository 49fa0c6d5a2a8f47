ptm run $E2E/passes/spelled.traced.pt -q -i $E2E/passes/spelled.traced.in0.npy --passes=-attention,-cse --expect $E2E/passes/spelled.traced.out0.npy
