ptm bench --backend cpu
