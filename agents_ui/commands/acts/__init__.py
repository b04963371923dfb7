"""What is asked below a command, one module each: `muster journal affected`, `muster hooks sweep`, …"""
