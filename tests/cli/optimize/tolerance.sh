ptm optimize $E2E/passes/mobilenet_v2.traced.pt -o out.ptm -i $E2E/passes/mobilenet_v2.traced.in0.npy --verify --tolerance 1e-12; rc=$?; ls -A; exit $rc
