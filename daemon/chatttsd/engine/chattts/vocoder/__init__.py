"""Hidden states to sound: ChatTTS's Decoder (to mel) and Vocos (to samples), whole or as a stream."""
