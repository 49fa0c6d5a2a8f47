ptm optimize $E2E/passes/mobilenet_v2.traced.pt -o out.ptm --disable warp
