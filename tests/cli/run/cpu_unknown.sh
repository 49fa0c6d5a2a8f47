ptm run $E2E/digits/digits.pt --input $E2E/digits/digits.in0.npy --backend cpu --cpu sse
