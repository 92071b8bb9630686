// What the Android app does with texts, by the classes that it does it with: RSA/ECB/PKCS1Padding and base64.
//
// Reads lines from standard input and answers each on standard output:
//   key                          a new key pair: the public key (X.509) and the private key (PKCS #8)
//   encrypt PUBLIC TEXT          the ciphertext
//   decrypt PRIVATE CIPHERTEXT   the text, or "failed"
// Everything but the commands is in base64; texts are UTF-8 in it.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import javax.crypto.Cipher;

public class Rsa {
    private static final String TRANSFORMATION = "RSA/ECB/PKCS1Padding";
    private static final Base64.Decoder DECODER = Base64.getDecoder();
    private static final Base64.Encoder ENCODER = Base64.getEncoder();

    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ", -1);
            output.println(
                switch (words[0]) {
                    case "key" -> key();
                    case "encrypt" -> encrypt(words[1], words[2]);
                    case "decrypt" -> decrypt(words[1], words[2]);
                    default -> throw new IllegalArgumentException(line);
                });
        }
    }

    private static String key() throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        KeyPair pair = generator.generateKeyPair();
        return ENCODER.encodeToString(pair.getPublic().getEncoded())
            + " "
            + ENCODER.encodeToString(pair.getPrivate().getEncoded());
    }

    private static String encrypt(String publicKey, String text) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(TRANSFORMATION);
        X509EncodedKeySpec spec = new X509EncodedKeySpec(DECODER.decode(publicKey));
        cipher.init(Cipher.ENCRYPT_MODE, KeyFactory.getInstance("RSA").generatePublic(spec));
        String plain = new String(DECODER.decode(text), StandardCharsets.UTF_8);
        return ENCODER.encodeToString(cipher.doFinal(plain.getBytes(StandardCharsets.UTF_8)));
    }

    private static String decrypt(String privateKey, String ciphertext) {
        try {
            Cipher cipher = Cipher.getInstance(TRANSFORMATION);
            PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(DECODER.decode(privateKey));
            cipher.init(Cipher.DECRYPT_MODE, KeyFactory.getInstance("RSA").generatePrivate(spec));
            String text = new String(cipher.doFinal(DECODER.decode(ciphertext)), StandardCharsets.UTF_8);
            return ENCODER.encodeToString(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException | IllegalArgumentException error) {
            return "failed";
        }
    }
}
