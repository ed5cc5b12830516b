"""Charging everybody on as many machines as there are.

A run is cut into batches of payers, and workers lease these in our tables. A task queue, where
there is one, is a doorbell: it tells workers that there is work, and nothing else.
"""
