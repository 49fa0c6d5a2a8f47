ptm inspect $E2E/digits/digits.pt --input-shape 1,3,32,32 --backend cpu --cpu c --json - | grep -c '"isa":.*"c"' | grep -qv '^0' && echo c
ptm inspect $E2E/digits/digits.pt --input-shape 1,3,32,32 --backend cpu --cpu c --json - | grep -cE '"isa":.*"(avx|neon)'
ptm run $E2E/digits/digits.pt --input $E2E/digits/digits.in0.npy --expect $E2E/digits/digits.out0.npy --backend cpu --cpu c --quiet
