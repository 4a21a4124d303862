"""The parts of `script/campaign simulation`: a provider in one process, under a clock and an order that a seed decides.

`scheduler` holds the clock and lets one act run at a time; `world` puts the provider together for one seed; `people`
write, sign and read; `workers` turn through the product's own sweeps; `outside` answers for the authorities; `watch`
looks at the rows after every step; `walks` goes over the tables of the law alone; `plants` breaks a copy of the code.
"""
